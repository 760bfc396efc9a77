-- KEYS user epoch or epochs; ARGV at, field (empty for a user's), kept, reason, channel of changes
local is_user = ARGV[2] == ''
local before
if is_user then before = redis.call('GET', KEYS[1]) else before = redis.call('HGET', KEYS[1], ARGV[2]) end
-- Epochs only grow: a node whose clock is behind must not revive anybody.
if not before or tonumber(before) <= tonumber(ARGV[1]) then
  if is_user then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
    redis.call('SET', KEYS[1] .. ':why', ARGV[4], 'PX', ARGV[3])
  else
    -- The stamp differs from every other there was, even in a history that a failover has dropped.
    local now = redis.call('TIME')
    local stamp = now[1] .. '.' .. now[2] .. ' ' .. ARGV[2] .. ' ' .. ARGV[1] .. ' ' .. ARGV[4]
    redis.call('HSET', KEYS[1], ARGV[2], ARGV[1], 'why:' .. ARGV[2], ARGV[4], 'stamp', stamp)
  end
  tell(ARGV[5], '*')
end
return {'done'}
