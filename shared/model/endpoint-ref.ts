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

/** An endpoint, or the endpoint as somebody intends it. */
export const EndpointRef = z.strictObject({
  ...Place,
  /** Plans have a stream of their own: what is intended must not stand in the way of what happens. */
  planned: z.literal(true).optional(),
});
export type EndpointRef = z.infer<typeof EndpointRef>;

/**
 * The key of an endpoint's stream in the ledger: `endpoint#<account>#<region>#<name>`, and for the plans of it
 * `plan#<account>#<region>#<name>`. Endpoint names are unique per
 * region without regard to case (CreateEndpoint API), so the key is lower case.
 */
export function streamOf(ref: EndpointRef): string {
  return `${ref.planned ? 'plan' : 'endpoint'}#${ref.account}#${ref.region}#${ref.name.toLowerCase()}`;
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
