import type { PolicySettings } from '../policies/settings.ts';
import { readPrices, readSettings } from './kept-settings.ts';
import type { With } from './services.ts';

/** Limits and prices as they were, by the digests that decisions name; undefined where nobody kept them. Each is read once. */
export function settingsByDigest(services: With<'dynamodb'>) {
  const limits = new Map<string, ReturnType<typeof readSettings>>();
  const prices = new Map<string, ReturnType<typeof readPrices>>();
  const known = new Map<string, PolicySettings>();
  const once = <T>(cache: Map<string, T>, digest: string, read: () => T): T => {
    const found = cache.get(digest) ?? read();
    cache.set(digest, found);
    return found;
  };
  return {
    limits: async (digest: string) => (await once(limits, digest, () => readSettings(services, digest)))?.limits,
    /** One object for each pair, since policies keep what they work out of it by object. */
    both: async (policyDigest: string, priceDigest: string): Promise<PolicySettings | undefined> => {
      const key = `${policyDigest}#${priceDigest}`;
      const before = known.get(key);
      if (before) return before;
      const [kept, table] = await Promise.all([
        once(limits, policyDigest, () => readSettings(services, policyDigest)),
        once(prices, priceDigest, () => readPrices(services, priceDigest)),
      ]);
      if (!kept || !table) return undefined;
      const settings = { ...kept.limits, prices: table };
      known.set(key, settings);
      return settings;
    },
  };
}
export type SettingsByDigest = ReturnType<typeof settingsByDigest>;
