-- Finds out whether writes succeed. The prelude has checked every command of every script.
call('SET', P .. 'write_probe', 1)
return {'ok'}
