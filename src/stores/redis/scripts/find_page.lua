-- A page that is kept, unless it is too old: since when, its age, its bytes. ARGV: key, how long one is kept
local at = tonumber(call('ZSCORE', P .. 'pages', ARGV[1]) or 0)
local page = call('GET', P .. 'page:' .. ARGV[1])
if not page or NOW - at >= tonumber(ARGV[2]) then return {} end
return {whole(at), whole(math.max(0, NOW - at)), page}
