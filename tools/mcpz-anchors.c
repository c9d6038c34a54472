/* mcpz-anchors: the papers' experiments on our machines. See sim/anchors.h. */

#include "sim/anchors.h"

int main(int argc, char **argv)
{
    return mcpz_anchors(argc, argv);
}
