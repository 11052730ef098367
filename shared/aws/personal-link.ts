import type { With } from './services.ts';
import { readTold } from './told.ts';

/**
 * Whose personal link that is: the approver's id. It says where a code may be mailed to, and whose mail it was; whoever
 * holds it may have got it from somebody else, so it lets nobody do anything.
 */
export async function personOfLink(
  services: With<'dynamodb'>,
  link: { request: string; personal: string },
): Promise<string | undefined> {
  const { personal } = await readTold(services, link.request);
  return [...personal].find(([, id]) => id === link.personal)?.[0];
}
