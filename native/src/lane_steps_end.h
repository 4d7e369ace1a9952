/* The parameters of lane_steps_template.h come to their end. */
#undef G
#undef C
#undef L
#undef LF
#undef GROUP
#undef COORD
#undef COORD_TYPE
#undef GROUP_AFF
#undef LANE
#undef FPS
