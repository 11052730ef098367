import * as z from 'zod';

const Place = {
  account: z.string().regex(/^\d{12}$/, 'must be 12 digits'),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS region such as us-east-1'),
  name: z
    .string()
    .regex(
      /^(?!.{64})[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/,
      'must be an endpoint name: at most 63 letters, digits and inner hyphens',
    ),
};

/**
 * Names an endpoint: 12-digit account, region, endpoint name (at most 63 characters, `[a-zA-Z0-9](-*[a-zA-Z0-9])*`,
 * per the CreateEndpoint API). Their characters are what makes it safe to put them into keys as literals.
 */
export const Endpoint = z.strictObject(Place);
export type Endpoint = z.infer<typeof Endpoint>;

/** An endpoint, or the endpoint as somebody intends it. */
export const EndpointRef = z.strictObject({
  ...Place,
  /** Plans have a stream of their own: what is intended must not stand in the way of what happens. */
  planned: z.literal(true).optional(),
});
export type EndpointRef = z.infer<typeof EndpointRef>;

/** The endpoint itself, where it is meant and not what somebody plans of it. */
export const unplanned = ({ account, region, name }: EndpointRef): Endpoint => ({ account, region, name });

/**
 * Streams that are about no endpoint but about the gate itself: what a `fleet` (named for its environment) costs,
 * `settings` (named for their digest) and what an `audit` (named for its month) found.
 */
export const GateStream = z.enum(['fleet', 'settings', 'audit']);
export type GateStream = z.infer<typeof GateStream>;

/** Names a stream of the ledger: an endpoint's, that of its plans, or one of the gate's own in its account and region. */
export const StreamRef = z
  .strictObject({ ...EndpointRef.shape, about: GateStream.optional() })
  .refine(({ planned, about }) => !(planned && about), 'must not be about plans and the gate at once');
export type StreamRef = z.infer<typeof StreamRef>;

/** What the key of a stream begins with. */
export const STREAM_KINDS = ['endpoint', 'plan', ...GateStream.options] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];

const kindOf = ({ planned, about }: StreamRef): StreamKind => about ?? (planned ? 'plan' : 'endpoint');

/**
 * The key of a stream in the ledger: `endpoint#<account>#<region>#<name>`, for the plans of an endpoint
 * `plan#<account>#<region>#<name>`, and likewise for those of the gate. Endpoint names are unique per
 * region without regard to case (CreateEndpoint API), so the key is lower case.
 */
export function streamOf(ref: StreamRef): string {
  return `${kindOf(ref)}#${ref.account}#${ref.region}#${ref.name.toLowerCase()}`;
}

/** Reads the key of a stream; undefined for keys that the ledger would not write. */
export function refOfStream(stream: string): StreamRef | undefined {
  const [kind, account, region, name, ...more] = stream.split('#');
  const about = GateStream.safeParse(kind).data;
  const { data } = StreamRef.safeParse({
    account,
    region,
    name,
    ...(kind === 'plan' && { planned: true }),
    ...(about && { about }),
  });
  return data && more.length === 0 && streamOf(data) === stream ? data : undefined;
}

/** The endpoint's ARN; SageMaker writes the name in lower case there. */
export function endpointArn(ref: EndpointRef): string {
  return `arn:aws:sagemaker:${ref.region}:${ref.account}:endpoint/${ref.name.toLowerCase()}`;
}

/** `arn:aws:sagemaker:<region>:<account>:endpoint/<name>` -> EndpointRef; undefined for anything else. */
export function refFromArn(arn: string): EndpointRef | undefined {
  const [, region, account, name] = /^arn:aws[a-z-]*:sagemaker:([^:]+):(\d{12}):endpoint\/([^/]+)$/.exec(arn) ?? [];
  const parsed = EndpointRef.safeParse({ account, region, name });
  return parsed.success ? parsed.data : undefined;
}
