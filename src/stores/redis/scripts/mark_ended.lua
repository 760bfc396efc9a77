-- KEYS marks of the ends of families; ARGV kept for, then for each what it says
for at, key in ipairs(KEYS) do redis.call('SET', key, ARGV[at + 1], 'PX', ARGV[1]) end
return {'done'}
