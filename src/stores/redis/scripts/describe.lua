-- KEYS user epoch, epochs, sessions…; ARGV version, now
-- Four parts for each that lives: its place among the sessions, record, Org, last use.
local reply = {'done'}
for at = 3, #KEYS do
  local s = read_session(KEYS[at], ARGV[1])
  if s and not why_over(s, tonumber(ARGV[2]), KEYS[1], KEYS[2]) then
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = text(at - 3), s.record, s.org, text(s.seen)
  end
end
return reply
