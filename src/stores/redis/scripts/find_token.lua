-- KEYS token, epochs; ARGV version, now, user epoch prefix
-- The user's epoch key is made from the record: right on one node, to be split for Cluster.
local f = redis.call('HMGET', KEYS[1], 'v', 'x', 'b', 'e', 'u', 'o', 'k', 'r')
if not f[1] then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown'} end
  return {'damaged'}
end
if f[2] then return {'dead'} end
if f[1] ~= ARGV[1] then return {'version'} end
local began, ends = tonumber(f[3]), tonumber(f[4])
if not (began and ends and f[5] and f[6] and f[8]) then return {'damaged'} end
if tonumber(ARGV[2]) > ends then return {'dead'} end
if revoked(began, ARGV[3] .. '{' .. f[5] .. '}', KEYS[2], f[6], f[7]) then return {'dead'} end
return {'live', f[8], f[4]}
