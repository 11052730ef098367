import type { Config } from '../config.ts';
import { allClients } from './clients.ts';
import { type Services, servicesWith } from './services.ts';

/** Services with every client, for who runs everything. */
export const createServices = (config: Config, overrides: Partial<Services> = {}): Services =>
  servicesWith(allClients, config, overrides);
