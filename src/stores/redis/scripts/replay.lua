-- Makes a delivery due now by a fresh schedule. ARGV: id, principal
local id = ARGV[1]
if not visible(id, ARGV[2]) then return {'unknown'} end
local f = fields(id, 'receiver', 'd_state')
if not f[1] then return {'no webhook'} end
if not f[2] then return {'not settled'} end
send_again(id)
return {'ok', call('HGETALL', job_key(id))}
