-- KEYS epochs; ARGV the stamp known already
-- Without a stamp nothing may be remembered: it may have been written by a program that made none.
local stamp = redis.call('HGET', KEYS[1], 'stamp')
if stamp and stamp == ARGV[1] then return {'same'} end
local reply = redis.call('HGETALL', KEYS[1])
table.insert(reply, 1, stamp or '')
table.insert(reply, 1, 'all')
return reply
