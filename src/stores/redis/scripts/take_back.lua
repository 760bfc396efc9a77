-- KEYS attempts
local count = tonumber(redis.call('HGET', KEYS[1], 'n') or '')
if count and count > 1 then
  redis.call('HSET', KEYS[1], 'n', text(count - 1))
else
  redis.call('DEL', KEYS[1])
end
return {'done'}
