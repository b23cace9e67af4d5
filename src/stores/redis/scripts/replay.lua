-- Makes a delivery due now with a new retry schedule. ARGV: id, principal
local id = ARGV[1]
if not visible(id, ARGV[2]) then return {'not_found'} end
local f = fields(id, 'receiver', 'delivery_state')
if not f[1] then return {'no_webhook'} end
if not f[2] then return {'not_settled'} end
replay(id)
return {'ok', call('HGETALL', job_key(id))}
