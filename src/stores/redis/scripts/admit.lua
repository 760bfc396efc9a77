-- KEYS attempts; ARGV now, free failures, first pause, longest pause, forget after
-- The rule of `Tries::admit`. The attempt counts from here on, so that no two are let in on the same count.
local f = redis.call('HMGET', KEYS[1], 'n', 't')
local now, free, forget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[5])
local count = tonumber(f[1] or '') or 0
local waited = math.max(0, now - (tonumber(f[2] or '') or 0))
if waited > forget then count = 0 end
if count >= free then
  local pause = math.min(tonumber(ARGV[3]) * 2 ^ (count - free), tonumber(ARGV[4]))
  if pause > waited then return {'wait', text(pause - waited)} end
end
redis.call('HSET', KEYS[1], 'n', text(count + 1), 't', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'admitted'}
