import { addRoutes } from '@caudal/api-gateway/http/add-routes.ts'
import { CALLBACK_PEER, passCallbacks } from '@caudal/api-gateway/http/pass-callbacks.ts'
import { PUBLIC_ROUTES } from '@caudal/api-gateway/http/public-routes.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { createCursors } from '@caudal/http/cursors.ts'
import { addStepsRoute } from '@caudal/http/steps-route.ts'
import { addRevocationRoute } from '@caudal/identity/keys/revocation-route.ts'
import { mountProvider } from '@caudal/identity/oidc/mount-provider.ts'
import { addTokenRoutes } from '@caudal/identity/tokens/token-routes.ts'
import { addUserRoutes } from '@caudal/identity/users/user-routes.ts'
import { addOrderRoutes } from '@caudal/orders/requests/routes.ts'
import { addCancelRoutes } from '@caudal/payments/requests/cancel/cancel-routes.ts'
import { addCaseRoutes } from '@caudal/payments/requests/cases/case-routes.ts'
import { addUnblockRoute } from '@caudal/payments/requests/cases/unblock-route.ts'
import { addRefundRoutes } from '@caudal/payments/requests/refunds/refund-routes.ts'
import { addPaymentRoutes } from '@caudal/payments/requests/routes.ts'
import { addStaffRoutes } from '@caudal/payments/requests/staff-routes.ts'
import { addCallbackDoor } from '@caudal/processor/http/callback-door.ts'
import { addCallbackRoutes } from '@caudal/processor/http/callback-routes.ts'
import { addCancelRoute } from '@caudal/processor/http/cancel-route.ts'
import { addJoinedCallbacks } from '@caudal/processor/http/joined-callbacks.ts'
import { addPspRoutes } from '@caudal/processor/http/psp-routes.ts'
import { addWaitsRoute } from '@caudal/service/waits-route.ts'
import { addOpenRoute } from '@caudal/wallets/accounts/open-route.ts'
import { addWalletRoutes } from '@caudal/wallets/accounts/wallet-routes.ts'
import { addAccountRoutes } from '@caudal/wallets/commands/account-routes.ts'
import { addCommandRoutes } from '@caudal/wallets/commands/command-routes.ts'
import { addHistoryRoutes } from '@caudal/wallets/history/history-routes.ts'

/** A service, and the functions of its main.ts that add its routes. */
export interface ServiceRoutes {
  service: string
  add: readonly ((app: HttpServer) => void)[]
}

// The routes are described and never called, so nothing reads their dependencies.
const INERT = {} as never
const INERT_LISTS = { cursors: createCursors(Buffer.alloc(32)) } as never
const INERT_GATEWAY = {
  peers: new Map([...PUBLIC_ROUTES.map(({ peer }) => peer), CALLBACK_PEER].map(inert)),
} as unknown as Parameters<typeof addRoutes>[2] & Parameters<typeof passCallbacks>[1]

function inert<T>(name: T): [T, never] {
  return [name, INERT]
}

/** Every service in the order of the page. A test compares the table with each main.ts. */
export const SERVICE_ROUTES: readonly ServiceRoutes[] = [
  {
    service: 'api-gateway',
    add: [
      (app) => addRoutes(app, PUBLIC_ROUTES, INERT_GATEWAY),
      (app) => passCallbacks(app, INERT_GATEWAY),
    ],
  },
  {
    service: 'payments',
    add: [
      (app) => addPaymentRoutes(app, INERT_LISTS),
      (app) => addRefundRoutes(app, INERT_LISTS),
      (app) => addCancelRoutes(app, INERT_LISTS),
      (app) => addStaffRoutes(app, INERT_LISTS),
      (app) => addCaseRoutes(app, INERT_LISTS),
      (app) => addUnblockRoute(app, INERT),
      (app) => addWaitsRoute(app, INERT),
    ],
  },
  {
    service: 'wallets',
    add: [
      (app) => addWalletRoutes(app, INERT_LISTS),
      (app) => addOpenRoute(app, INERT),
      (app) => addAccountRoutes(app, INERT),
      (app) => addCommandRoutes(app, INERT),
      (app) => addHistoryRoutes(app, INERT_LISTS),
      (app) => addStepsRoute(app, INERT),
      (app) => addWaitsRoute(app, INERT),
    ],
  },
  { service: 'orders', add: [(app) => addOrderRoutes(app, INERT_LISTS)] },
  {
    service: 'processor',
    add: [
      (app) => addStepsRoute(app, INERT),
      (app) => addCancelRoute(app, INERT),
      (app) => addCallbackDoor(app, INERT),
      (app) => addJoinedCallbacks(app, INERT),
      (app) => addCallbackRoutes(app, INERT_LISTS),
      (app) => addPspRoutes(app, INERT_LISTS),
      (app) => addWaitsRoute(app, INERT),
    ],
  },
  {
    service: 'notifications',
    add: [(app) => addStepsRoute(app, INERT), (app) => addWaitsRoute(app, INERT)],
  },
  {
    service: 'identity',
    add: [
      (app) => addUserRoutes(app, INERT),
      (app) => addTokenRoutes(app, INERT),
      (app) => mountProvider(app, INERT, INERT),
      (app) => addRevocationRoute(app, INERT),
    ],
  },
]
