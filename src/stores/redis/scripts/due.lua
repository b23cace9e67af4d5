-- Returns pending deliveries without an attempt in progress, the earliest of each receiver first.
-- ARGV: horizon (empty: unlimited), limit, limit per receiver, excluded receivers
local horizon, limit, limit_per_receiver = ARGV[1] == '' and '+inf' or from_now(tonumber(ARGV[1])), tonumber(ARGV[2]), ARGV[3]
local excluded, found, examined, offset = {}, {}, 0, 0
for n = 4, #ARGV do excluded[ARGV[n]] = true end
-- Receivers are ordered by their earliest due time: after `limit` receivers, no other one has an earlier delivery.
while examined < limit do
  local receivers = call('ZRANGEBYSCORE', P .. 'receivers', '-inf', horizon, 'LIMIT', offset, 100)
  if #receivers == 0 then break end
  offset = offset + #receivers
  for _, receiver in ipairs(receivers) do
    if not excluded[receiver] and examined < limit then
      examined = examined + 1
      local due = call('ZRANGEBYSCORE', P .. 'due:' .. receiver, '-inf', horizon, 'WITHSCORES', 'LIMIT', 0, limit_per_receiver)
      for n = 1, #due, 2 do
        local f = fields(due[n], 'delivery_version', 'delivery_interruptions')
        if f[1] then
          found[#found + 1] = {due[n], receiver, f[1], f[2] or '0', integer(math.max(0, due[n + 1] - NOW))}
        end
      end
    end
  end
end
return found
