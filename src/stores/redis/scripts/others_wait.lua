-- Whether anybody but this principal has a job of this kind ready to run. ARGV: task, principal
for _, name in ipairs(call('ZRANGE', P .. 'ring:' .. ARGV[1], 0, 1)) do
  if name ~= ARGV[2] then return 1 end
end
return 0
