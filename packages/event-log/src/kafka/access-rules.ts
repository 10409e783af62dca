import { ACCESS, STATEFUL } from '@caudal/contracts/service-access.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import {
  type Acl,
  AclOperations,
  AclPermissionTypes,
  Admin,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import { clientOptions, heedErrors } from './client-options.ts'
import { asEventLogError } from './kafka-errors.ts'
import type { KafkaSettings } from './kafka-settings.ts'

export type AccessOperation = 'READ' | 'WRITE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS'

/** What a principal may do with one topic or group. */
export type AccessRule = {
  principal: string
  resource: 'topic' | 'group'
  name: string
  operations: readonly AccessOperation[]
}

/**
 * What each service needs in Kafka, by the declaration that database roles derive from (ADR 0030):
 * it writes the topics of the events that it owns, reads those that it must understand, and checks
 * all. `principalOf` names the user that a service logs in as.
 */
export function accessRules(
  prefix: string,
  principalOf: (service: string) => string,
): AccessRule[] {
  return STATEFUL.flatMap((service) => {
    const { appends, reads } = ACCESS[service]
    if (appends.length === 0 && reads.length === 0) return []
    const principal = principalOf(service)
    const topics = Object.values(TOPICS).map((topic): AccessRule => {
      const operations: AccessOperation[] = ['DESCRIBE', 'DESCRIBE_CONFIGS']
      if (reads.includes(topic)) operations.push('READ')
      if (appends.includes(topic)) operations.push('WRITE')
      return { principal, resource: 'topic', name: prefix + topic, operations }
    })
    if (reads.length === 0) return topics
    const name = prefix + service
    return [...topics, { principal, resource: 'group', name, operations: ['READ', 'DESCRIBE'] }]
  })
}

/** The rules as calls of Kafka's own tool, one for each resource. */
export function accessCommands(rules: readonly AccessRule[], brokers: readonly string[]): string[] {
  return rules.map(({ principal, resource, name, operations }) => {
    const server = `kafka-acls.sh --bootstrap-server ${brokers.join(',')}`
    const allowed = operations.map((operation) => `--operation ${TOOL_NAMES[operation]}`).join(' ')
    return `${server} --add --allow-principal '${principal}' ${allowed} --${resource} '${name}'`
  })
}

const TOOL_NAMES: Record<AccessOperation, string> = {
  READ: 'Read',
  WRITE: 'Write',
  DESCRIBE: 'Describe',
  DESCRIBE_CONFIGS: 'DescribeConfigs',
}

/**
 * Adds the rules to the cluster; `settings` log in as an administrator. Repeatable.
 *
 * @throws {EventLogError} if the cluster has no authorizer or refuses
 */
export async function applyAccessRules(
  settings: KafkaSettings,
  rules: readonly AccessRule[],
): Promise<void> {
  const admin = heedErrors(new Admin(clientOptions(settings, 'caudal-acls')))
  try {
    await admin.createAcls({ creations: rules.flatMap(toAcls) })
  } catch (error) {
    throw asEventLogError(error, 'could not create the access control lists')
  } finally {
    await admin.close().catch(() => {})
  }
}

function toAcls({ principal, resource, name, operations }: AccessRule): Acl[] {
  return operations.map((operation) => ({
    principal,
    host: '*',
    operation: AclOperations[operation],
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: resource === 'topic' ? ResourceTypes.TOPIC : ResourceTypes.GROUP,
    resourceName: name,
    resourcePatternType: ResourcePatternTypes.LITERAL,
  }))
}
