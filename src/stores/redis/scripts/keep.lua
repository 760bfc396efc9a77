-- KEYS flow; ARGV now, until, text, kept for, '1' whatever was there before
local until_ = tonumber(redis.call('HGET', KEYS[1], 'e') or '')
-- Whether it is over is decided by the caller's clock; the TTL only sweeps up.
if ARGV[5] ~= '1' and until_ and tonumber(ARGV[1]) <= until_ then return {'taken'} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'e', ARGV[2], 'w', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'done'}
