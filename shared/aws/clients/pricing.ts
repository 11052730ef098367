import { PricingClient } from '@aws-sdk/client-pricing';
import type { Config } from '../../config.ts';
import { reader, watching } from './options.ts';

/** The Price List answers in three regions, for all of them (AWS Price List Query API endpoints). */
const pricingRegion = (region: string) =>
  region.startsWith('eu-') ? 'eu-central-1' : region.startsWith('ap-') ? 'ap-south-1' : 'us-east-1';

export const pricing = (config: Config) =>
  watching(new PricingClient({ ...reader(config), region: pricingRegion(config.region) }), config);
