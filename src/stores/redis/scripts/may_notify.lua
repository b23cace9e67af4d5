-- Whether the user may send and receive notifications.
local channel = P .. 'notifications'
return redis.acl_check_cmd('PUBLISH', channel) and redis.acl_check_cmd('SUBSCRIBE', channel) and 1 or 0
