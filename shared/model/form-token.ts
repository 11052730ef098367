import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * What a form carries to show that we made it, in this session and for this very purpose. Only who has the session's
 * cookie could make it, and a page of another site neither has nor sees it.
 */
export function formToken(sessionSecret: string, ...purpose: readonly string[]): string {
  // Lengths keep ['ab', 'c'] and ['a', 'bc'] apart.
  const text = purpose.map((part) => `${part.length}:${part}`).join('');
  return createHmac('sha256', sessionSecret).update(text).digest('hex');
}

/** Compares in constant time. */
export function isFormToken(given: string, sessionSecret: string, ...purpose: readonly string[]): boolean {
  const [is, ought] = [Buffer.from(given), Buffer.from(formToken(sessionSecret, ...purpose))];
  return is.length === ought.length && timingSafeEqual(is, ought);
}
