-- What every script shares. Times are milliseconds; doubles hold them exactly.
local function text(number) return string.format('%.0f', number) end

-- An epoch ends what began at or before it; says for what reason, or nil. The reasons lie beside the epochs and
-- are read only when one bites; the first programs wrote none.
local function revoked(began, user_key, global_key, org, key)
  local user = user_key and redis.call('GET', user_key)
  if user and tonumber(user) >= began then
    return redis.call('GET', user_key .. ':why') or 'revoked'
  end
  local fields = {'all', 'org:' .. org}
  if key and key ~= '' then fields[3] = 'key:' .. key end
  for at, epoch in ipairs(redis.call('HMGET', global_key, unpack(fields))) do
    if epoch and tonumber(epoch) >= began then
      return redis.call('HGET', global_key, 'why:' .. fields[at]) or 'revoked'
    end
  end
  return nil
end

-- Nodes that keep sessions in memory drop this one, or with `*` all. A user who may not publish may not subscribe
-- either, so nobody waits for it, and an end must not fail of it.
local function tell(channel, what) redis.pcall('PUBLISH', channel, what) end

-- The hash stays as a tombstone: a key that is gone could be written anew by a slow request.
local function bury(session_key, index_key, digest, reason, kept)
  redis.call('DEL', session_key)
  redis.call('HSET', session_key, 'v', '1', 'x', reason)
  redis.call('PEXPIRE', session_key, kept)
  redis.call('ZREM', index_key, digest)
  tell(string.match(session_key, '^([^{]*)s:{') .. 'changed', digest)
end

-- A later version is a newer program's, and not ours to judge; any other is damage, for there is none before 1.
local function other_version(found, known)
  if (tonumber(found) or 0) > tonumber(known) then return {'version'} end
  return {'damaged'}
end

-- A session's fields, or what is wrong with it: unknown, ended (why), version, damaged.
local function read_session(session_key, version)
  local f = redis.call('HMGET', session_key, 'v', 'x', 'b', 'i', 'a', 't', 'o', 'k', 'r')
  if not f[1] then
    if redis.call('EXISTS', session_key) == 0 then return nil, {'unknown'} end
    return nil, {'damaged'}
  end
  if f[2] then return nil, {'ended', f[2]} end
  if f[1] ~= version then return nil, other_version(f[1], version) end
  local s = {began = tonumber(f[3]), idle = tonumber(f[4]), absolute = tonumber(f[5]),
             seen = tonumber(f[6]), org = f[7], key = f[8], record = f[9]}
  if not (s.began and s.idle and s.absolute and s.seen and s.org and s.record) then
    return nil, {'damaged'}
  end
  return s
end
-- The rule of `Lifetime::over`, after revocation, which is the stronger reason.
local function why_over(s, now, user_key, global_key)
  local why = revoked(s.began, user_key, global_key, s.org, s.key)
  if why then return why end
  if now > s.began + s.absolute then return 'absolute_timeout' end
  if now > s.seen + s.idle then return 'idle_timeout' end
  return nil
end
-- Ends a token no later than the grace after another was minted.
local function supersede(token_key, minted, grace, kept)
  local ends = tonumber(redis.call('HGET', token_key, 'e') or nil)
  if not ends or ends <= minted + grace then return end
  redis.call('HSET', token_key, 'e', text(minted + grace))
  -- The mark of a revoked token must outlive the token as it was minted; others may go early.
  if redis.call('HEXISTS', token_key, 'x') == 0 and redis.call('PTTL', token_key) > grace + kept then
    redis.call('PEXPIRE', token_key, text(grace + kept))
  end
end
-- Why a token is not good, or nil and its fields. The user's epoch key is made from the record; where that is
-- in another slot (a Cluster) the prefix is empty, and the caller looks.
local function token_problem(token_key, global_key, version, now, user_prefix)
  local f = redis.call('HMGET', token_key, 'v', 'x', 'b', 'e', 'u', 'o', 'k', 'r')
  if not f[1] then
    if redis.call('EXISTS', token_key) == 0 then return {'unknown'} end
    return {'damaged'}
  end
  if f[2] then return {'dead'} end
  if f[1] ~= version then return other_version(f[1], version) end
  local began, ends = tonumber(f[3]), tonumber(f[4])
  if not (began and ends and f[5] and f[6] and f[8]) then return {'damaged'} end
  if now > ends then return {'dead'} end
  local user_key = user_prefix ~= '' and user_prefix .. '{' .. f[5] .. '}'
  if revoked(began, user_key, global_key, f[6], f[7]) then return {'dead'} end
  return nil, f
end
