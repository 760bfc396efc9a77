-- KEYS token, epochs; ARGV version, now, user epoch prefix
local problem = token_problem(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), ARGV[3])
if problem then return problem end
-- One command decides who is first, however many nodes ask.
if redis.call('HSETNX', KEYS[1], 's', '1') == 0 then return {'again'} end
return {'first'}
