/**
 * The buckets of many keys, taken from in one step on the Redis server (KEYS in, waits out). A
 * bucket is the one moment, in milliseconds of the server's clock, at which it is full again: each
 * token taken moves it on, time passing brings it nearer, and a bucket that is full has no key. The
 * answer per key is 0 when there was a token, else the microseconds until there is one (a script's
 * numbers are cut to integers).
 *
 * A clock that is set back must not make users wait until it has caught up, so no bucket is further
 * from full than an empty one.
 */
export const TAKE_SHARED_TOKENS = `
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + clock[2] / 1000
  local perToken = 1000 / tonumber(ARGV[1])
  local toFill = tonumber(ARGV[2]) * perToken
  local waits = {}
  for index, key in ipairs(KEYS) do
    local fullAt = math.min(math.max(tonumber(redis.call('GET', key) or 0), now), now + toFill)
    local excess = fullAt + perToken - now - toFill
    -- Smaller than what a double can tell at this size of number.
    if excess < 0.001 then
      fullAt = fullAt + perToken
      redis.call('SET', key, string.format('%.3f', fullAt), 'PX', math.ceil(fullAt - now) + 1)
      waits[index] = 0
    else
      waits[index] = math.ceil(excess * 1000)
    end
  end
  return waits
`
