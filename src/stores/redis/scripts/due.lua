-- Pending deliveries that nobody is sending, the earliest of each receiver first.
-- ARGV: horizon (empty: any), most, most of one receiver, then receivers to leave out
local until_, most, each = ARGV[1] == '' and '+inf' or after(tonumber(ARGV[1])), tonumber(ARGV[2]), ARGV[3]
local except, found, asked, from = {}, {}, 0, 0
for n = 4, #ARGV do except[ARGV[n]] = true end
-- Receivers come by their earliest: past so many, none can have anything earlier.
while asked < most do
  local receivers = call('ZRANGEBYSCORE', P .. 'receivers', '-inf', until_, 'LIMIT', from, 100)
  if #receivers == 0 then break end
  from = from + #receivers
  for _, receiver in ipairs(receivers) do
    if not except[receiver] and asked < most then
      asked = asked + 1
      local due = call('ZRANGEBYSCORE', P .. 'due:' .. receiver, '-inf', until_, 'WITHSCORES', 'LIMIT', 0, each)
      for n = 1, #due, 2 do
        local f = fields(due[n], 'd_version', 'd_interruptions')
        if f[1] then
          found[#found + 1] = {due[n], receiver, f[1], f[2] or '0', whole(math.max(0, due[n + 1] - NOW))}
        end
      end
    end
  end
end
return found
