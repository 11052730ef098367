import { randomInt } from 'node:crypto';
import type { Config } from '../config.ts';
import { type ApprovalSettings, withoutGroups } from '../model/approval-settings.ts';
import type { SecurityEvent } from '../model/security-event.ts';
import type { allClients } from './clients.ts';
import type { Stream } from './ledger.ts';
import { ReadCache } from './read-cache.ts';

type Makers = typeof allClients;
export type Clients = { [Name in keyof Makers]: ReturnType<Makers[Name]> };

/** What is measured, under these names in CloudWatch (namespace `Portcullis`). */
export type Metric =
  | { name: 'Changes'; unit: 'Count'; value: number; dimensions: { Outcome: string } }
  | { name: 'Remediations'; unit: 'Count'; value: number; dimensions: { Result: string } }
  | { name: 'EventToDecisionMs'; unit: 'Milliseconds'; value: number }
  | { name: 'WaitingApprovals' | 'BreakGlass' | 'GuardsDown' | 'NotificationFailures'; unit: 'Count'; value: number }
  | { name: 'LedgerTampering' | 'MixedFleets' | 'SweptEndpoints' | 'SweepFindings'; unit: 'Count'; value: number }
  | { name: 'PriceLimitsCrossed'; unit: 'Count'; value: number }
  | { name: 'WaitingApprovalAgeSeconds'; unit: 'Seconds'; value: number };

/** What every handler is given besides its clients: configuration, and the only sources of time and chance. */
type Base = {
  config: Config;
  /** Reads that may be reused for a while. */
  cache: ReadCache;
  /** Ends of streams, by key, oldest use first; see knownStream in ledger.ts. */
  knownStreams: Map<string, Stream>;
  /** When executions were last started here, by stream; see startedAfter in executions.ts. */
  startedAt: Map<string, string>;
  /** The time now, ISO 8601 UTC. */
  now: () => string;
  /** Lets time pass. */
  wait: (ms: number) => Promise<void>;
  /** An unguessable id of 26 lower-case letters and digits (130 bits). */
  newId: () => string;
  /** A code for people to type, 50 bits: `K7QM2-XVA9R`. */
  newCode: () => string;
  /** Calls to the world outside of AWS. */
  fetch: typeof fetch;
  /** In the place of `pinnedFetch`, which calls what somebody outside may have a say in; for tests. */
  fetchPinned?: typeof fetch;
  /**
   * Who may approve as it is at this moment. On AWS the settings are packaged; on one machine they are read again when
   * they change. Throws UnreadableApproversError.
   */
  readApprovals: () => ApprovalSettings;
  /** Tells of a security event. On AWS it is a line in the function's log, on one machine one in the security log. */
  note: (event: SecurityEvent) => void;
  /** Measures something. On AWS it becomes a CloudWatch metric. */
  measure: (metric: Metric) => void;
};

/** What a function needs: `With<'dynamodb' | 's3'>` calls these two AWS services and no others. */
export type With<Name extends keyof Clients = never> = Base & Pick<Clients, Name>;
/** All of it, for who runs everything. */
export type Services = With<keyof Clients>;

const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';
const pick = (count: number) => Array.from({ length: count }, () => LETTERS[randomInt(32)]).join('');

/** Services with the clients that are named. Built once per container. */
export function servicesWith<Names extends keyof Clients>(
  makers: Pick<Makers, Names>,
  config: Config,
  overrides: Partial<Services> = {},
): With<Names> {
  const now = () => new Date().toISOString();
  const clients = Object.fromEntries(
    Object.entries<(config: Config) => unknown>(makers).map(([name, make]) => [name, make(config)]),
  ) as Pick<Clients, Names>;
  return {
    ...clients,
    config,
    cache: new ReadCache(config.file.reading.cacheSeconds * 1000, () => Date.parse((overrides.now ?? now)())),
    knownStreams: new Map(),
    startedAt: new Map(),
    now,
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    newId: () => pick(26),
    newCode: () => (pick(10).toUpperCase().match(/.{5}/g) ?? []).join('-'),
    fetch: (input, init) => fetch(input, init),
    measure: () => undefined,
    note: () => undefined,
    ...overrides,
    readApprovals: () => {
      const approvals = (overrides.readApprovals ?? (() => config.file.approvals))();
      return config.off.includes('authorization') ? withoutGroups(approvals) : approvals;
    },
  };
}
