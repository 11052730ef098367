import { credentialsFromEnvironment } from './bundles/credentials-from-environment.mjs';
import { endpointsLeftOut } from './bundles/endpoints-left-out.mjs';
import { ownLeftOut } from './bundles/own-left-out.mjs';
import { powertoolsLeftOut } from './bundles/powertools-left-out.mjs';
import { sdkLeftOut } from './bundles/sdk-left-out.mjs';
import { zodLeftOut } from './bundles/zod-left-out.mjs';

/**
 * What makes the Lambdas' bundles smaller, and with them cold starts shorter. They only leave out what a Lambda cannot
 * reach. bench/cold.ts measures what they gain. esbuild gives each file to the first plugin that wants it.
 */
export default [credentialsFromEnvironment, endpointsLeftOut, sdkLeftOut, powertoolsLeftOut, zodLeftOut, ownLeftOut];
