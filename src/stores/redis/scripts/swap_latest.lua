-- KEYS latest of the secret key; ARGV digest believed to be there (or empty), digest, how long it stays
-- Somebody else's in between must be superseded first, or it would be forgotten.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return {'other'} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {'done'}
