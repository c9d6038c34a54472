#include "core/fabric_view.h"

#include <assert.h>

static uint8_t bit(enum mcpz_fabric_level level)
{
    return (uint8_t)(1U << level);
}

void mcpz_fabric_view_touch(struct mcpz_fabric_view *view, enum mcpz_fabric_level level)
{
    view->touched |= bit(level);
}

/*
 * We may be a handful that the others do not know of. With hardly any neighbours, a candidate says
 * little: who is full need not take us.
 */
bool mcpz_fabric_view_lacks_scope(const struct mcpz_overlay *overlay)
{
    const size_t near = overlay->active_count - overlay->far_count;
    const size_t near_max = overlay->config.active_max - overlay->config.far_max;

    return 2 * near < near_max || (near < near_max && !mcpz_passive_has_near(&overlay->passive));
}

static mcpz_time overlay_deadline(const struct mcpz_fabric *fabric)
{
    return mcpz_time_min(mcpz_overlay_deadline(&fabric->overlay),
                         mcpz_xbot_deadline(&fabric->xbot, &fabric->overlay));
}

void mcpz_fabric_view_look(struct mcpz_fabric *fabric)
{
    struct mcpz_fabric_view *view = &fabric->view;
    const struct mcpz_overlay *overlay = &fabric->overlay;

    if ((view->touched & bit(MCPZ_FABRIC_OVERLAY)) != 0) {
        view->overlay_us = overlay_deadline(fabric);
        view->is_alone = overlay->active_count == 0 && overlay->ask_count == 0;
        view->has_neighbours = overlay->active_count > 0;
        view->lacks_ways = overlay->config.far_max > 0 && overlay->far_count == 0;
        view->lacks_candidates = mcpz_overlay_lacks_candidates(overlay);
        view->lacks_scope = overlay->config.far_max > 0 && mcpz_fabric_view_lacks_scope(overlay);
    }
    if ((view->touched & bit(MCPZ_FABRIC_PLUMTREE)) != 0) {
        view->plumtree_us = mcpz_plumtree_deadline(&fabric->plumtree);
    }
    if ((view->touched & bit(MCPZ_FABRIC_MEMBERS)) != 0) {
        view->members_us = mcpz_members_deadline(&fabric->members);
    }
    view->touched = 0;
}

mcpz_time mcpz_fabric_view_due(const struct mcpz_fabric_view *view, enum mcpz_fabric_level level)
{
    assert(level > MCPZ_FABRIC_LINKS && level < MCPZ_FABRIC_ABOVE);
    return (view->touched & bit(level)) != 0 ? 0
           : level == MCPZ_FABRIC_OVERLAY    ? view->overlay_us
           : level == MCPZ_FABRIC_PLUMTREE   ? view->plumtree_us
                                             : view->members_us;
}
