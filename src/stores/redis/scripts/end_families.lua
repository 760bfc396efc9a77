-- KEYS marks of the ends of families; ARGV kept for, then for each the sessions that go on
-- Who was not to go on the last time does not this time either.
for at, key in ipairs(KEYS) do
  local before = redis.call('GET', key)
  local kept = {}
  for one in string.gmatch(ARGV[at + 1], '%S+') do
    if not before or string.find(before, one, 1, true) then kept[#kept + 1] = one end
  end
  redis.call('SET', key, table.concat(kept, ' '), 'PX', ARGV[1])
end
return {'done'}
