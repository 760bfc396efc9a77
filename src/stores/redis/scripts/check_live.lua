-- KEYS session, user epoch, epochs, index; ARGV digest, version, now, kept
-- Nearly every check ends in this part, so it stands before what the others share and makes nothing it does not need.
-- Only what lives for certain is answered here; anything else is looked at anew below.
local call = redis.call
local f = call('HMGET', KEYS[1], 'v', 'b', 'i', 'a', 't', 'o', 'k', 'r', 'x')
if f[1] == ARGV[2] and f[6] and f[8] and not f[9] then
  local began, idle, absolute, seen = tonumber(f[2]), tonumber(f[3]), tonumber(f[4]), tonumber(f[5])
  local now = tonumber(ARGV[3])
  if began and idle and absolute and seen and now <= began + absolute and now <= seen + idle then
    local user, e = call('GET', KEYS[2]), nil
    if f[7] and f[7] ~= '' then
      e = call('HMGET', KEYS[3], 'all', 'org:' .. f[6], 'key:' .. f[7])
    else
      e = call('HMGET', KEYS[3], 'all', 'org:' .. f[6])
    end
    -- A damaged epoch is an error here, and lets nobody pass.
    if not (user and tonumber(user) >= began or e[1] and tonumber(e[1]) >= began
        or e[2] and tonumber(e[2]) >= began or e[3] and tonumber(e[3]) >= began) then
      -- Spares most checks of a busy session their write. One dialect promises the end of its sessions to within half
      -- a second, so it must not be much longer (IDLE_SLACK in domain/login/web.rs, UNTOUCHED_FOR in cache.rs).
      if now < seen + 250 then return {'live', f[8], f[6], f[5]} end
      call('HSET', KEYS[1], 't', ARGV[3])
      call('PEXPIRE', KEYS[1],
        string.format('%.0f', math.min(now + idle, began + absolute) - now + tonumber(ARGV[4])))
      return {'live', f[8], f[6], ARGV[3]}
    end
  end
end
