-- Returns pending deliveries without an attempt in progress, the earliest of each principal and of each of its receivers.
-- ARGV: horizon (empty: unlimited), limits in total, per principal and per receiver, number of excluded principals, their
-- names, excluded receivers (principal, separator 31, receiver)
local horizon = ARGV[1] == '' and '+inf' or from_now(tonumber(ARGV[1]))
local limit, per_principal = tonumber(ARGV[2]), tonumber(ARGV[3])
local per_receiver, names = tonumber(ARGV[4]), tonumber(ARGV[5])
local excluded_principals, excluded_receivers, found = {}, {}, {}
for n = 6, 5 + names do excluded_principals[ARGV[n]] = true end
for n = 6 + names, #ARGV do excluded_receivers[ARGV[n]] = true end

local function add(principal)
  local count, offset = 0, 0
  -- Receivers are ordered by their earliest due time.
  while count < per_principal do
    local receivers = call('ZRANGEBYSCORE', P .. 'receivers:' .. principal, '-inf', horizon, 'LIMIT', offset, 100)
    if #receivers == 0 then return end
    offset = offset + #receivers
    for _, receiver in ipairs(receivers) do
      local most = math.min(per_receiver, per_principal - count)
      if most > 0 and not excluded_receivers[principal .. '\31' .. receiver] then
        local due = call('ZRANGEBYSCORE', due_key(principal, receiver), '-inf', horizon, 'WITHSCORES', 'LIMIT', 0, most)
        for n = 1, #due, 2 do
          local f = fields(due[n], 'delivery_version', 'delivery_interruptions')
          if f[1] then
            count = count + 1
            local wait = integer(math.max(0, due[n + 1] - NOW))
            found[#found + 1] = {due[n], principal, receiver, f[1], f[2] or '0', wait}
          end
        end
      end
    end
  end
end

for _, principal in ipairs(call('ZRANGEBYSCORE', P .. 'due_principals', '-inf', horizon)) do
  if #found < limit and not excluded_principals[principal] then add(principal) end
end
return found
