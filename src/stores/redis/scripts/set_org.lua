-- KEYS session, user epoch, epochs, index; ARGV digest, version, kept, org, channel of changes
local s, problem = read_session(KEYS[1], ARGV[2])
if not s then return problem end
-- Leaving a revoked Org must not save the session, so the old Org is looked at before it is forgotten.
local why = revoked(s.began, KEYS[2], KEYS[3], s.org, s.key)
if why then
  bury(KEYS[1], KEYS[4], ARGV[1], why, ARGV[3])
  return {'ended', why}
end
redis.call('HSET', KEYS[1], 'o', ARGV[4])
tell(ARGV[5], ARGV[1])
return {'done'}
