-- Makes a delivery due now by a fresh schedule. ARGV: id, principal
local id = ARGV[1]
if not visible(id, ARGV[2]) then return {'unknown'} end
local f = fields(id, 'receiver', 'd_state', 'd_lease_until')
if not f[1] then return {'no webhook'} end
if not f[2] then return {'not settled'} end
if f[3] then
  call('HSET', job_key(id), 'd_again', '1')
else
  move_delivery(id, 'pending', NOW, 0, '')
end
return {'ok', call('HGETALL', job_key(id))}
