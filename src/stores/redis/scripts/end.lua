-- KEYS session, user epoch, epochs, index; ARGV digest, version, now, kept, reason
-- Without `now` (empty) only whether it is there counts.
local s, problem = read_session(KEYS[1], ARGV[2])
if not s then
  -- Its owner wants it gone; that we cannot read it must not keep it alive.
  if problem[1] == 'version' or problem[1] == 'damaged' then
    bury(KEYS[1], KEYS[4], ARGV[1], ARGV[5], ARGV[4])
  end
  return problem
end
local over = nil
if ARGV[3] ~= '' then over = why_over(s, tonumber(ARGV[3]), KEYS[2], KEYS[3]) end
bury(KEYS[1], KEYS[4], ARGV[1], over or ARGV[5], ARGV[4])
if over then return {'ended', over} end
return {'live', s.record, s.org, text(s.seen)}
