-- KEYS session, user epoch, epochs, index; ARGV digest, version, now, kept
local s, problem = read_session(KEYS[1], ARGV[2])
if not s then return problem end
local now, kept = tonumber(ARGV[3]), tonumber(ARGV[4])
local over = why_over(s, now, KEYS[2], KEYS[3])
if over then
  bury(KEYS[1], KEYS[4], ARGV[1], over, ARGV[4])
  return {'just', s.record, s.org, text(s.seen), over}
end
-- Spares most checks of a busy session their write. One dialect promises the end of its sessions to within half
-- a second, so it must not be much longer (IDLE_SLACK in domain/login/web.rs).
if now >= s.seen + 250 then
  s.seen = now
  redis.call('HSET', KEYS[1], 't', text(now))
  redis.call('PEXPIRE', KEYS[1], text(math.min(now + s.idle, s.began + s.absolute) - now + kept))
end
return {'live', s.record, s.org, text(s.seen)}
