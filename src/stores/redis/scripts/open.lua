-- KEYS session, index, user epoch, epochs
-- ARGV digest, version, record, began, idle, absolute, seen, org, key, kept, prefix of the user's sessions,
--   digest of the session replaced (or empty), most (0 is any number), evict or refuse
-- An id that was ever used, ended ones included, is not used again.
if redis.call('EXISTS', KEYS[1]) == 1 then return {'taken'} end
local began, absolute, kept = tonumber(ARGV[4]), tonumber(ARGV[6]), tonumber(ARGV[10])
local now, replaced, most = tonumber(ARGV[7]), ARGV[12], tonumber(ARGV[13])
local gone = {}
if most > 0 then
  -- The others live in this user's slot, so their keys may be made here.
  local live = {}
  for _, digest in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local key = ARGV[11] .. digest
    local s, problem = read_session(key, ARGV[2])
    local over = s and why_over(s, now, KEYS[3], KEYS[4])
    if over then
      bury(key, KEYS[2], digest, over, ARGV[10])
    elseif s and digest ~= replaced then
      live[#live + 1] = {digest = digest, began = s.began}
    elseif problem and problem[1] == 'version' then
      -- A newer program's: alive as far as we know, and not ours to end.
      most = most - 1
    elseif problem then
      redis.call('ZREM', KEYS[2], digest)
    end
  end
  if #live >= most then
    if ARGV[14] == 'refuse' or most < 1 then return {'full'} end
    table.sort(live, function(a, b)
      if a.began ~= b.began then return a.began < b.began end
      return a.digest < b.digest
    end)
    for at = 1, #live - most + 1 do gone[at] = live[at].digest end
  end
end
for _, digest in ipairs(gone) do bury(ARGV[11] .. digest, KEYS[2], digest, 'evicted', ARGV[10]) end
if replaced ~= '' then
  local _, problem = read_session(ARGV[11] .. replaced, ARGV[2])
  local is_over = problem and (problem[1] == 'unknown' or problem[1] == 'ended')
  if not is_over then bury(ARGV[11] .. replaced, KEYS[2], replaced, 'replaced', ARGV[10]) end
end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'r', ARGV[3], 'b', ARGV[4], 'i', ARGV[5], 'a', ARGV[6],
  't', ARGV[7], 'o', ARGV[8], 'k', ARGV[9])
redis.call('PEXPIRE', KEYS[1], text(math.min(tonumber(ARGV[5]), absolute) + kept))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[4])
redis.call('ZADD', KEYS[2], text(began + absolute), ARGV[1])
local stays = absolute + kept
if redis.call('PTTL', KEYS[2]) < stays then redis.call('PEXPIRE', KEYS[2], text(stays)) end
table.insert(gone, 1, 'done')
return gone
