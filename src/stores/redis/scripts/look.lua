-- KEYS flow; ARGV now, '1' to take it away
local f = redis.call('HMGET', KEYS[1], 'e', 'w')
if not f[1] or not f[2] or tonumber(ARGV[1]) > tonumber(f[1]) then return {'unknown'} end
-- One command decides who gets it, however many nodes ask.
if ARGV[2] == '1' and redis.call('DEL', KEYS[1]) == 0 then return {'unknown'} end
return {'found', f[2]}
