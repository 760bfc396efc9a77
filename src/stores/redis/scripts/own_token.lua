-- KEYS tokens of the user, those of its family, mark of the family's end
-- ARGV digest, expires, stays, now, most of a family, most of a user, what was presented: session (or empty), since when
-- Afterwards: what is listed is there, so that whoever makes it give way, or ends it, does.
local mark = redis.call('GET', KEYS[3])
if mark and tonumber(ARGV[8]) <= tonumber(string.match(mark, '^%d+')) then
  -- The rule of `is_marked`.
  if ARGV[7] == '' or not string.find(mark, ' ' .. ARGV[7], 1, true) then return {'ended'} end
end
-- What is over takes nobody's place.
for at = 1, 2 do redis.call('ZREMRANGEBYSCORE', KEYS[at], '-inf', '(' .. ARGV[4]) end
local excess = math.max(0, redis.call('ZCARD', KEYS[2]) + 1 - tonumber(ARGV[5]))
if redis.call('ZCARD', KEYS[1]) - excess >= tonumber(ARGV[6]) then
  return {'full', redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]}
end
local gone = {}
if excess > 0 then gone = redis.call('ZRANGE', KEYS[2], 0, excess - 1) end
for at = 1, 2 do
  for _, digest in ipairs(gone) do redis.call('ZREM', KEYS[at], digest) end
  redis.call('ZADD', KEYS[at], ARGV[2], ARGV[1])
  if redis.call('PTTL', KEYS[at]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[at], ARGV[3]) end
end
table.insert(gone, 1, 'done')
return gone
