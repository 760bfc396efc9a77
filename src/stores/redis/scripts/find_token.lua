-- KEYS token, epochs; ARGV version, now, user epoch prefix
local problem, f = token_problem(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), ARGV[3])
if problem then return problem end
return {'live', f[8], f[4]}
