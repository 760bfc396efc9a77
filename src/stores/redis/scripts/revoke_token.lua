-- KEYS token
-- Marked, not deleted: a deleted token would be unknown, and could be put again by a slow request.
if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown'} end
redis.call('HSET', KEYS[1], 'x', '1')
redis.call('HDEL', KEYS[1], 'r')
local of = redis.call('HMGET', KEYS[1], 'u', 'd')
return {'done', of[1] or '', of[2] or ''}
