-- KEYS session, index; ARGV digest, version, record, began, idle, absolute, seen, org, key, kept
-- An id that was ever used, ended ones included, is not used again.
if redis.call('EXISTS', KEYS[1]) == 1 then return {'taken'} end
local began, absolute, kept = tonumber(ARGV[4]), tonumber(ARGV[6]), tonumber(ARGV[10])
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'r', ARGV[3], 'b', ARGV[4], 'i', ARGV[5], 'a', ARGV[6],
  't', ARGV[7], 'o', ARGV[8], 'k', ARGV[9])
redis.call('PEXPIRE', KEYS[1], text(math.min(tonumber(ARGV[5]), absolute) + kept))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[4])
redis.call('ZADD', KEYS[2], text(began + absolute), ARGV[1])
local stays = absolute + kept
if redis.call('PTTL', KEYS[2]) < stays then redis.call('PEXPIRE', KEYS[2], text(stays)) end
return {'done'}
