-- KEYS tokens of the user; ARGV digest, expires, stays, most
-- Beforehand: a token that is put is listed. One listed that was never put takes a place until its end, no more.
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
local reply = {'done'}
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4])
if over < 1 then return reply end
-- Those that end first, and are over first of all; never the new one.
for _, digest in ipairs(redis.call('ZRANGE', KEYS[1], 0, over)) do
  if digest ~= ARGV[1] and #reply <= over then
    redis.call('ZREM', KEYS[1], digest)
    reply[#reply + 1] = digest
  end
end
return reply
