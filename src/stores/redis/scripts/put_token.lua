-- KEYS token [, latest of the secret key]
-- ARGV digest, version, record, minted, expires, user tag, org, key, kept, grace, token key prefix, family (or empty)
if redis.call('EXISTS', KEYS[1]) == 1 then return {'taken'} end
local minted, expires, kept = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[9])
local stays = text(math.max(expires - minted, 0) + kept)
if KEYS[2] then
  local latest = redis.call('GET', KEYS[2])
  if latest then
    supersede(ARGV[11] .. latest, minted, tonumber(ARGV[10]), kept)
  end
  redis.call('SET', KEYS[2], ARGV[1], 'PX', stays)
end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'r', ARGV[3], 'b', ARGV[4], 'e', ARGV[5], 'u', ARGV[6],
  'o', ARGV[7], 'k', ARGV[8])
if ARGV[12] ~= '' then redis.call('HSET', KEYS[1], 'd', ARGV[12]) end
redis.call('PEXPIRE', KEYS[1], stays)
return {'done'}
