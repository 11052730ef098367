import type { Finding, Outcome } from './finding.ts';

// SARIF 2.1.0 (OASIS, errata 01): the parts of the format that are used here.
export const SARIF_SCHEMA =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

const LEVELS = { violation: 'error', 'needs-approval': 'warning', advice: 'note', waived: 'error' } as const;
type Told = keyof typeof LEVELS;
const isTold = (outcome: Outcome): outcome is Told => outcome in LEVELS;

/** What somebody has to look at. A pass and what does not apply are no results. */
export const isSarifResult = ({ outcome }: Finding): boolean => isTold(outcome);

export type SarifRule = { id: string; shortDescription: { text: string }; fullDescription?: { text: string } };

export const UNDETERMINED_RULE: SarifRule = {
  id: 'undetermined',
  shortDescription: { text: 'The endpoint could not be checked.' },
  fullDescription: { text: 'What cannot be read is not compliant.' },
};

/** Where something was found: at an endpoint, and in a file where that was checked. */
export type SarifPlace = { endpoint: string; arn: string; file?: string | undefined };

const location = ({ endpoint, arn, file }: SarifPlace) => ({
  ...(file === undefined
    ? {}
    : { physicalLocation: { artifactLocation: { uri: encodeURI(file) }, region: { startLine: 1 } } }),
  logicalLocations: [{ name: endpoint, fullyQualifiedName: arn, kind: 'resource' }],
});

/** `within` tells results of one policy and endpoint apart that were found at different times. */
const fingerprint = (rule: string, { arn }: SarifPlace, index: number, within: string | undefined) => ({
  'policyAndEndpoint/v1': `${rule}:${arn}${within === undefined ? '' : `:${within}`}${index > 0 ? `:${index}` : ''}`,
});

/** One result for each message of a finding. What was waived is suppressed, with the waiver as its justification. */
export function sarifResults(
  { policy, outcome, messages }: Finding,
  place: SarifPlace,
  { within, properties }: { within?: string; properties?: object } = {},
) {
  if (!isTold(outcome)) return [];
  return messages.map((text, index) => ({
    ruleId: policy,
    level: LEVELS[outcome],
    message: { text },
    locations: [location(place)],
    partialFingerprints: fingerprint(policy, place, index, within),
    ...(outcome === 'waived' && {
      suppressions: [{ kind: 'external' as const, status: 'accepted' as const, justification: messages.join(' ') }],
    }),
    ...(properties && { properties }),
  }));
}

/** What could not be checked is a result of its own. */
export const sarifUndetermined = (
  text: string,
  place: SarifPlace,
  { within, properties }: { within?: string; properties?: object } = {},
) => ({
  ruleId: UNDETERMINED_RULE.id,
  level: 'error' as const,
  message: { text },
  locations: [location(place)],
  partialFingerprints: fingerprint(UNDETERMINED_RULE.id, place, 0, within),
  ...(properties && { properties }),
});
