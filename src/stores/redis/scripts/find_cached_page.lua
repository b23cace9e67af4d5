-- Returns a cached page that has not expired: its time, its age and its bytes. ARGV: key, time to live
local at = tonumber(call('ZSCORE', P .. 'cached_pages', ARGV[1]) or 0)
local page = call('GET', P .. 'cached_page:' .. ARGV[1])
if not page or NOW - at >= tonumber(ARGV[2]) then return {} end
return {integer(at), integer(math.max(0, NOW - at)), page}
