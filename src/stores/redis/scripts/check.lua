-- KEYS session, user epoch, epochs, index; ARGV digest, version, now, kept
-- What `check_live` did not let pass: it is over or cannot be read.
local s, problem = read_session(KEYS[1], ARGV[2])
if not s then return problem end
local over = why_over(s, tonumber(ARGV[3]), KEYS[2], KEYS[3])
if not over then return {'damaged'} end
bury(KEYS[1], KEYS[4], ARGV[1], over, ARGV[4])
return {'just', s.record, s.org, text(s.seen), over}
