import { Currency } from '@caudal/contracts/currency-schema.ts'
import { PLATFORMS } from '@caudal/contracts/device.ts'
import { TenantId } from '@caudal/contracts/tenant-schema.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { Type } from 'typebox'
import { DEFAULT_LOCALE, MAX_USERS } from '../domain/user.ts'

const MAX_DEVICES = 16
const MAX_CURRENCIES = 32

const Locale = Type.String({
  pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$',
  description: `a language tag (BCP 47); default: ${DEFAULT_LOCALE}`,
})
const Currencies = Type.Array(Currency, {
  minItems: 1,
  maxItems: MAX_CURRENCIES,
  uniqueItems: true,
})
const Platform = Type.Enum([...PLATFORMS])
const DeviceToken = Type.String({
  pattern: '^[\\x21-\\x7e]{1,1024}$',
  description: '1 to 1,024 visible ASCII characters',
})

const DeviceView = Type.Object({ device_id: Uuid, platform: Platform, token: DeviceToken })

const UserView = Type.Object({
  user_id: Uuid,
  tenant_id: TenantId,
  locale: Locale,
  wallet_id: Uuid,
  accounts: Type.Array(Type.Object({ account_id: Uuid, currency: Currency })),
  devices: Type.Array(DeviceView),
})

export const createUsersSchema = {
  summary: 'Create users, all or none; a user_id that exists is a repeat and changes nothing',
  body: Type.Object({
    tenant_id: Type.Optional(TenantId),
    currencies: Type.Optional(Currencies),
    users: Type.Array(
      Type.Object({
        user_id: Type.Optional(Uuid),
        locale: Type.Optional(Locale),
        currencies: Type.Optional(Currencies),
        devices: Type.Optional(
          Type.Array(Type.Object({ platform: Platform, token: DeviceToken }), {
            maxItems: MAX_DEVICES,
          }),
        ),
      }),
      { minItems: 1, maxItems: MAX_USERS },
    ),
  }),
  response: { 201: Type.Object({ users: Type.Array(UserView) }) },
}

export const lookupUsersSchema = {
  summary: 'Where to reach users; unknown ones are left out',
  body: Type.Object({
    tenant_id: TenantId,
    user_ids: Type.Array(Uuid, { maxItems: MAX_USERS }),
  }),
  response: {
    200: Type.Object({
      users: Type.Array(
        Type.Object({ user_id: Uuid, locale: Locale, devices: Type.Array(DeviceView) }),
      ),
    }),
  },
}

export const removeDevicesSchema = {
  summary: 'Forget devices by their tokens, of whomever they are',
  body: Type.Object({
    tenant_id: TenantId,
    tokens: Type.Array(DeviceToken, { maxItems: MAX_USERS }),
  }),
  response: { 200: Type.Object({ removed: Type.Integer() }) },
}

export const getUserSchema = {
  summary: 'Read a user: a user reads itself, a client any user',
  params: Type.Object({ user_id: Uuid }),
  querystring: Type.Object({ tenant_id: Type.Optional(TenantId) }),
  response: { 200: UserView },
  problems: ['USER_NOT_FOUND'] as const,
}

export const deleteUserSchema = {
  summary: 'Delete a user with its devices; its tokens are refused within five seconds',
  params: Type.Object({ user_id: Uuid }),
  querystring: Type.Object({ tenant_id: Type.Optional(TenantId) }),
  response: { 204: Type.Null() },
  problems: ['USER_NOT_FOUND'] as const,
}
