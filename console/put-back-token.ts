import { type EndpointRef, streamOf } from '../shared/model/endpoint-ref.ts';
import { formToken, isFormToken } from '../shared/model/form-token.ts';

const purpose = (endpoint: EndpointRef, generation: number, digest: string) =>
  ['put-back', streamOf(endpoint), String(generation), digest] as const;

/** What shows that a form to put a change back is of this session and about this proposal. */
export const putBackToken = (secret: string, ...about: Parameters<typeof purpose>): string =>
  formToken(secret, ...purpose(...about));

export const isPutBackToken = (given: string, secret: string, ...about: Parameters<typeof purpose>): boolean =>
  isFormToken(given, secret, ...purpose(...about));
