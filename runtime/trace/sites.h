/* SPDX-License-Identifier: MIT */
/* The process-wide table of source sites, copied into every runtime's page. */
#ifndef RS_TRACE_SITES_H
#define RS_TRACE_SITES_H

#include <rouse/future.h>

/* Index of a site in the site tables; 0 if it is not there. */
uint32_t rs_site_index(const struct rouse_site *site);

/* Keeps the table of `page` (mapped at its own address) complete from now on, until forgotten. */
void rs_sites_publish(struct rouse_page *page);
void rs_sites_forget(struct rouse_page *page);

#endif
