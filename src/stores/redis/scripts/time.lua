-- KEYS latest moment; ARGV what the asking node's clock reads (0: it has not asked before), by how much time may be ahead
-- The clock of Redis, unless it is behind what any node has seen: then what was seen, as long as that is believable.
local clock = redis.call('TIME')
local here = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local agreed = here
for _, seen in ipairs({tonumber(redis.call('GET', KEYS[1]) or '0') or 0, tonumber(ARGV[1])}) do
  if seen > agreed and seen - here <= tonumber(ARGV[2]) then agreed = seen end
end
redis.call('SET', KEYS[1], text(agreed))
return {text(here), text(agreed)}
